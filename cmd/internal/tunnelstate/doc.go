// Package tunnelstate is what is told of tunnels and asked of the processes that keep them:
// `tunnel ls`, `wait`, `logs` and `down`. It asks by the room keeper, and never opens a tunnel
// or knows how one is kept. Start with List in list.go; down.go finds the processes of names.
package tunnelstate
