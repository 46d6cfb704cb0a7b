"""Voice activity: engines that tell speech from other sound, and the choice among them."""
