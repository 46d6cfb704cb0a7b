"""Small programs that use antiphon; examples/README.md tells how to run them."""
