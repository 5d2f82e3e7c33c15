"""What outsiders rely on, section by section of the contract, tried through the one way in."""
