// Package channel is our own client side of the Session Manager data channel.
package channel
