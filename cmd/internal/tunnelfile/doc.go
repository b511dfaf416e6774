// Package tunnelfile is the tunnels of configuration files, as their user writes, shows,
// changes and removes them from the command line. It changes nothing of a file but what it
// is asked for, and opens no tunnel. Start with Add in write.go; validate.go has the faults
// of files.
package tunnelfile
