"""Speaker verification: engines that tell voices apart."""
