"""What is open, asked and selected.

The only Qt in it is QObject and Signal: it knows no widget and no pane.
"""
