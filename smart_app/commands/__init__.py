"""The commands, a module for each kind; what is heavy is imported inside a command, so that --help stays instant."""
