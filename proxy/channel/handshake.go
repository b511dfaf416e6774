package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"ssmguard/proxy/channel/wire"
)

// handshakeStep is one message of the agent in the handshake.
type handshakeStep struct {
	kind    wire.PayloadType
	payload []byte
}

// handshake answers the agent, in the goroutine that dials: it needs no lock.
type handshake struct {
	c    *Channel
	ctx  context.Context // bounds the call to KMS
	info Info
}

// quiet is how long a session that may have no handshake is left to itself, before a
// message is sent to learn that the agent is there, and again after it has taken that. An
// agent that wants a handshake begins with it.
const quiet = time.Second

// awaitHandshake answers the agent until it says that the handshake is complete.
// Agents skip it in sessions that are neither ports nor encrypted: there the
// first output says that the session is a shell or, if it may be silent, that the agent
// has taken a message.
func (c *Channel) awaitHandshake(opening context.Context) error {
	limit := opening.Done()
	var ask, sure <-chan time.Time
	var taken <-chan struct{}
	if c.opt.Silent {
		limit, opening = nil, c.quit // what is asked late is answered, too
		ask = time.After(quiet)
	}
	h := &handshake{c: c, ctx: opening}
	defer func() { c.info = h.info }()
	for {
		select {
		case <-ask:
			c.out.change(func() { c.out.noAckTimeout = true }) // nothing is stuck: the agent may be late
			c.sendSize(c.opt.Size)
			taken = c.out.drain()
		case <-taken:
			taken, sure = nil, time.After(quiet)
		case <-sure:
			if len(c.in.handshake) > 0 {
				continue
			}
			h.info.SessionType = StandardStream
			c.late = &handshake{c: c, ctx: opening}
			return nil
		case s := <-c.in.handshake:
			if limit == nil { // an agent that has begun comes to an end
				begun, cancel := context.WithTimeoutCause(c.quit, c.opt.OpenTimeout, ErrOpenTimeout)
				defer cancel()
				limit, opening, h.ctx = begun.Done(), begun, begun
			}
			ask, taken, sure = nil, nil, nil
			if done, err := h.answer(s); done || err != nil {
				return err
			}
		case <-c.in.firstPayload:
			if len(c.in.handshake) > 0 { // it came first
				continue
			}
			h.info.SessionType = StandardStream
			return nil
		case <-c.ended:
			return &HandshakeError{"waiting for the agent", c.cause()}
		case <-limit:
			return &HandshakeError{"waiting for the agent", context.Cause(opening)}
		}
	}
}

// answerAll answers a handshake that begins after the session was taken for one without,
// until ctx ends. It returns an error when the session has to end for it.
func (h *handshake) answerAll(ctx context.Context) error {
	for {
		select {
		case s := <-h.c.in.handshake:
			if _, err := h.answer(s); err != nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// answer handles one step; done means that the session can be used.
func (h *handshake) answer(s handshakeStep) (done bool, err error) {
	switch s.kind {
	case wire.PayloadHandshakeRequest:
		return false, h.answerRequest(s.payload)
	case wire.PayloadEncChallengeRequest:
		if err := h.answerChallenge(s.payload); err != nil {
			return false, &HandshakeError{"encryption challenge", err}
		}
		return false, nil
	}
	var complete wire.HandshakeComplete
	if err := json.Unmarshal(s.payload, &complete); err != nil {
		return false, &HandshakeError{"completion", err}
	}
	if h.info.SessionType == "" {
		return false, &HandshakeError{"completion", errors.New("the agent named no session type")}
	}
	out := h.c.out
	out.change(func() { out.sender.Hold = time.Now().Add(settle) })
	if h.info.CustomerMessage = complete.CustomerMessage; complete.CustomerMessage != "" {
		h.c.event(Event{Kind: Message, Text: complete.CustomerMessage})
	}
	return true, nil
}

func (h *handshake) answerRequest(payload []byte) error {
	var request wire.HandshakeRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return &HandshakeError{"request", err}
	}
	if n := len(request.RequestedClientActions); n > mostActions {
		return &HandshakeError{"request", fmt.Errorf("%w: %d actions", errProtocol, n)}
	}
	h.info.AgentVersion = request.AgentVersion
	h.c.knowsTerminate.Store(newerThan(request.AgentVersion, terminateFlagAbove))
	response := wire.HandshakeResponse{ClientVersion: wire.ClientVersion, ProcessedClientActions: []wire.ProcessedAction{}}
	var failed error
	var key *encryption
	for i, action := range request.RequestedClientActions {
		if slices.ContainsFunc(request.RequestedClientActions[:i], func(a wire.RequestedAction) bool { return a.ActionType == action.ActionType }) {
			return &HandshakeError{"request", fmt.Errorf("%w: the action %.40q is asked for twice", errProtocol, action.ActionType)}
		}
		done := wire.ProcessedAction{ActionType: action.ActionType, ActionStatus: wire.ActionSuccess}
		var err error
		switch action.ActionType {
		case wire.ActionSessionType:
			err = h.setSessionType(action.ActionParameters)
		case wire.ActionKMSEncryption:
			key, done.ActionResult, err = h.startEncryption(action.ActionParameters)
		default:
			done.ActionStatus, done.Error = wire.ActionUnsupported, fmt.Sprintf("Unsupported action %.100s", action.ActionType)
			response.Errors = append(response.Errors, done.Error)
		}
		if err != nil {
			failed = &HandshakeError{string(action.ActionType), err}
			done.ActionStatus, done.ActionResult = wire.ActionFailed, nil
			done.Error = fmt.Sprintf("Failed to process action %s: %s", action.ActionType, err)
			response.Errors = append(response.Errors, done.Error)
		}
		response.ProcessedClientActions = append(response.ProcessedClientActions, done)
	}
	b, err := json.Marshal(response)
	if err != nil {
		return &HandshakeError{"response", err}
	}
	h.c.out.sendNow(wire.PayloadHandshakeResponse, b)
	if key != nil && failed == nil {
		h.info.Encrypted = true
		h.c.key.Store(key)
	}
	return failed
}

// mostActions is how many actions an agent may ask for. Two are known.
const mostActions = 16

// setSessionType takes the SessionType action.
func (h *handshake) setSessionType(parameters json.RawMessage) error {
	var request wire.SessionTypeRequest
	if err := json.Unmarshal(parameters, &request); err != nil {
		return err
	}
	switch request.SessionType {
	case StandardStream, InteractiveCommands, NonInteractiveCommands:
	case Port:
		if len(request.Properties) > 0 {
			if err := json.Unmarshal(request.Properties, &h.info.Properties); err != nil {
				return err
			}
		}
		h.info.Multiplexed = h.info.Properties.Type == localPortForwarding && newerThan(h.info.AgentVersion, multiplexAbove)
	default:
		return fmt.Errorf("unknown session type %.100q", request.SessionType)
	}
	h.info.SessionType = request.SessionType
	return nil
}

const localPortForwarding = "LocalPortForwarding"

// startEncryption takes the KMSEncryption action: it has a data key made, and
// returns it with the encrypted copy for the agent.
func (h *handshake) startEncryption(parameters json.RawMessage) (*encryption, any, error) {
	var request wire.KMSEncryptionRequest
	if err := json.Unmarshal(parameters, &request); err != nil {
		return nil, nil, err
	}
	if h.c.opt.GenerateDataKey == nil {
		return nil, nil, errors.New("no way to ask KMS for a data key")
	}
	plain, sealed, err := h.c.opt.GenerateDataKey(h.ctx, request.KMSKeyID, map[string]string{
		"aws:ssm:SessionId": h.c.opt.Session.ID, "aws:ssm:TargetId": h.c.opt.Session.Spec.Target,
	})
	if err != nil {
		return nil, nil, err
	}
	key, err := newEncryption(plain)
	if err != nil {
		return nil, nil, err
	}
	return key, wire.KMSEncryptionResult{KMSCipherTextKey: sealed}, nil
}

// answerChallenge proves that both sides hold the same keys.
func (h *handshake) answerChallenge(payload []byte) error {
	key := h.c.key.Load()
	if key == nil {
		return errors.New("the session is not encrypted")
	}
	var challenge wire.EncChallenge
	if err := json.Unmarshal(payload, &challenge); err != nil {
		return err
	}
	plain, err := key.open(challenge.Challenge)
	if err != nil {
		return err
	}
	b, err := json.Marshal(wire.EncChallenge{Challenge: key.seal(plain)})
	if err != nil {
		return err
	}
	h.c.out.sendNow(wire.PayloadEncChallengeResponse, b)
	return nil
}
