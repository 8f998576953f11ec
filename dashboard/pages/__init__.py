"""One module a page: a path, a layout, one-line callbacks."""
