"""The timeline under the window: the steps of a training, and which of them every pane shows.

`track.py` draws, `places.py` says where a step lies, `bar.py` has the buttons. Knows the store.
"""
