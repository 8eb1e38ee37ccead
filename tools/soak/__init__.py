"""Drives the real window with its real engine by random valid actions, and watches it.

``python -m tools.soak`` runs it (`make soak`); its seed replays the same actions. `actions` says
what a person may do, `watching` what must never happen, `files` what is opened, `driver` does one
after the other within the window's own event loop.
"""
