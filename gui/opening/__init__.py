"""The dialog that opens a checkpoint, and what is said about opening.

Knows the session and shared widgets; reads no file in the GUI thread.
"""
