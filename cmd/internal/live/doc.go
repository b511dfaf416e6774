// Package live shows tunnels on a terminal while they are open: a line for each, drawn anew
// in its place, and above them what happens. It asks for rows and never for tunnels, opens
// nothing and knows no configuration. Start with Display in live.go; row.go makes a row fit
// the terminal.
package live
