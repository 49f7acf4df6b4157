"""A laptop's development stack: engines that run as child processes of the command line."""
