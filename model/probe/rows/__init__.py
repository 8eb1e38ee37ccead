"""An activation of many positions at once, as finely as it is drawn."""
