package sandbox

import "context"

// cutOnSignal does nothing: Windows has no signal to spare.
func (*Sandbox) cutOnSignal(context.Context) {}
