package awscli

const defaultTimeout = 60 // seconds, of connecting and of reading

// DefaultGlobals are the options that every command has, none of them given.
func DefaultGlobals() Globals {
	return Globals{ReadTimeout: defaultTimeout, ConnectTimeout: defaultTimeout}
}

// Start is a start-session that nobody typed.
func Start(g Globals, in Input) *Invocation {
	inv := &Invocation{Command: StartSession, Service: "ssm", Globals: g, op: findOperation("ssm", "start-session"), request: newMapping()}
	inv.Fill(in)
	return inv
}

// Fill puts values that nobody typed into the request of StartSession; those that are
// not empty replace what was typed. No value is read as the name of a file.
func (inv *Invocation) Fill(in Input) {
	given := newMapping()
	for name, text := range map[string]string{"Target": in.Target, "DocumentName": in.DocumentName, "Reason": in.Reason} {
		if text != "" {
			given.set(name, text)
		}
	}
	if in.Parameters != nil {
		parameters := newMapping()
		for _, p := range in.Parameters {
			values := make([]any, len(p.Values))
			for i, v := range p.Values {
				values[i] = v
			}
			parameters.set(p.Name, values)
		}
		given.set("Parameters", parameters)
	}
	request := newMapping()
	for _, m := range inv.op.members { // the model's order
		for _, from := range []*mapping{inv.request, given} {
			if from.has(m.name) {
				request.set(m.name, from.values[m.name])
			}
		}
	}
	for _, key := range inv.request.keys {
		if !request.has(key) {
			request.set(key, inv.request.values[key])
		}
	}
	inv.request, inv.RequestJSON, inv.Input = request, dump(request), request.input()
}

// ParseParameters reads a value of --parameters.
func ParseParameters(text string, env Env) ([]Parameter, error) {
	v, err := findOperation("ssm", "start-session").member("Parameters").value(text, env)
	if err != nil {
		return nil, err
	}
	request := newMapping()
	request.set("Parameters", v)
	return request.input().Parameters, nil
}
