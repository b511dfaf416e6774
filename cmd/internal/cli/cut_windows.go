package cli

import "context"

// cutOnSignal does nothing: Windows has no signal to spare.
func (*sandbox) cutOnSignal(context.Context) {}
