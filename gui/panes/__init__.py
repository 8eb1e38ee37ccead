"""One file a pane; a pane reads the store and draws, nothing more."""
