package proxy

// Signal puts a token into a channel that has room for one, unless it is there already.
func Signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
