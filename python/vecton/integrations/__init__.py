"""Classes for other frameworks, one file each; a file imports its framework when it is imported itself."""
