"""Recordings from and to other programs: one module per format; only files are read, nothing opens a socket."""
