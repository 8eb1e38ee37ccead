"""What several panes share."""
