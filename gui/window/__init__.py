"""The main window: docks, commands, perspectives, notices, files in and out.

Knows the panes by their entries; a pane never knows the window.
"""
