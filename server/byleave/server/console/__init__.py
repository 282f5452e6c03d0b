"""The console: pages for people, rendered here and useful without JavaScript."""
