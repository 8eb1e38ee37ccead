"""The program around the window: start and end, crashes, signals, garbage, preloading, pictures."""
