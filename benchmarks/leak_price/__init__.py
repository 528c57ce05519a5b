"""What the published protocols add on stand-ins."""
