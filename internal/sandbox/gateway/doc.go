// Package gateway is a loopback message gateway and agent: it speaks the data
// channel to the real plugin, and plays the instance behind it. Tests and
// `ssmguard sandbox` use it.
//
// A Gateway holds sessions. Each has a client side, a websocket that may be cut
// and made again, and a far side, the agent, which outlives the websocket. What
// the agent does (when it shakes hands, acknowledges, sends again, waits) follows
// amazon-ssm-agent 3.3; the faults between the two are scripted and seeded. It shares
// how messages are written (proxy/channel/wire) with our client, and nothing else. Start
// with gateway.go, then session.go and agent.go.
package gateway
