// Package database is what is known of the databases behind tunnels: their engines, the
// forms in which their clients and drivers read how to connect, and what a failed lookup
// means. It opens nothing. Start with forms.go.
package database
