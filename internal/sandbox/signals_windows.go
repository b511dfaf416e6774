package sandbox

import "context"

// cutOnSignal does nothing: Windows has no such signals.
func (*Sandbox) cutOnSignal(context.Context) {}
