package channel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"ssmguard/proxy/channel/wire"
)

// step is one message of the handshake.
type step struct {
	kind    wire.PayloadType
	payload []byte
}

// handshake answers the agent until it says that the handshake is complete.
// Agents skip it in sessions that are neither ports nor encrypted: there the
// first output says that the session is a shell.
func (c *Channel) handshake(opening context.Context) error {
	limit := opening.Done()
	if c.opt.Silent {
		limit, opening = nil, c.quit // what is asked late is answered, too
	}
	for {
		select {
		case s := <-c.shake:
			if done, err := c.answer(opening, s); done || err != nil {
				return err
			}
		case <-c.talk:
			select {
			case s := <-c.shake: // it came first
				if done, err := c.answer(opening, s); done || err != nil {
					return err
				}
				continue
			default:
			}
			c.info.SessionType = StandardStream
			return nil
		case <-c.ended:
			return &HandshakeError{"waiting for the agent", c.cause()}
		case <-limit:
			return &HandshakeError{"waiting for the agent", context.Cause(opening)}
		}
	}
}

// answer handles one step; done means that the session can be used.
func (c *Channel) answer(ctx context.Context, s step) (done bool, err error) {
	switch s.kind {
	case wire.PayloadHandshakeRequest:
		return false, c.answerRequest(ctx, s.payload)
	case wire.PayloadEncChallengeRequest:
		return false, c.answerChallenge(s.payload)
	}
	var complete wire.HandshakeComplete
	if err := json.Unmarshal(s.payload, &complete); err != nil {
		return false, &HandshakeError{"completion", err}
	}
	if c.info.SessionType == "" {
		return false, &HandshakeError{"completion", errors.New("the agent named no session type")}
	}
	c.mu.Lock()
	c.tx.Hold = time.Now().Add(settle)
	c.mu.Unlock()
	if c.info.CustomerMessage = complete.CustomerMessage; complete.CustomerMessage != "" {
		c.event(Event{Kind: Message, Text: complete.CustomerMessage})
	}
	return true, nil
}

func (c *Channel) answerRequest(ctx context.Context, payload []byte) error {
	var request wire.HandshakeRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return &HandshakeError{"request", err}
	}
	c.setAgentVersion(request.AgentVersion)
	response := wire.HandshakeResponse{ClientVersion: wire.ClientVersion, ProcessedClientActions: []wire.ProcessedAction{}}
	var failed error
	var key *encryption
	for _, action := range request.RequestedClientActions {
		done := wire.ProcessedAction{ActionType: action.ActionType, ActionStatus: wire.ActionSuccess}
		var err error
		switch action.ActionType {
		case wire.ActionSessionType:
			err = c.setSessionType(action.ActionParameters)
		case wire.ActionKMSEncryption:
			key, done.ActionResult, err = c.startEncryption(ctx, action.ActionParameters)
		default:
			done.ActionStatus, done.Error = wire.ActionUnsupported, fmt.Sprintf("Unsupported action %s", action.ActionType)
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
	c.sendNow(wire.PayloadHandshakeResponse, b)
	if key != nil && failed == nil {
		c.info.Encrypted = true
		c.crypt.Store(key)
	}
	return failed
}

// setSessionType takes the SessionType action.
func (c *Channel) setSessionType(parameters json.RawMessage) error {
	var request wire.SessionTypeRequest
	if err := json.Unmarshal(parameters, &request); err != nil {
		return err
	}
	switch request.SessionType {
	case StandardStream, InteractiveCommands, NonInteractiveCommands:
	case Port:
		if len(request.Properties) > 0 {
			if err := json.Unmarshal(request.Properties, &c.info.Properties); err != nil {
				return err
			}
		}
		c.info.Multiplexed = c.info.Properties.Type == localPortForwarding && newerThan(c.agentVersion(), multiplexAbove)
	default:
		return fmt.Errorf("unknown session type %q", request.SessionType)
	}
	c.info.SessionType = request.SessionType
	return nil
}

const localPortForwarding = "LocalPortForwarding"

// startEncryption takes the KMSEncryption action: it has a data key made, and
// returns it with the encrypted copy for the agent.
func (c *Channel) startEncryption(ctx context.Context, parameters json.RawMessage) (*encryption, any, error) {
	var request wire.KMSEncryptionRequest
	if err := json.Unmarshal(parameters, &request); err != nil {
		return nil, nil, err
	}
	if c.opt.GenerateDataKey == nil {
		return nil, nil, errors.New("no way to ask KMS for a data key")
	}
	plain, sealed, err := c.opt.GenerateDataKey(ctx, request.KMSKeyID, map[string]string{
		"aws:ssm:SessionId": c.opt.Session.ID, "aws:ssm:TargetId": c.opt.Session.Spec.Target,
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
func (c *Channel) answerChallenge(payload []byte) error {
	key := c.crypt.Load()
	if key == nil {
		return &HandshakeError{"encryption challenge", errors.New("the session is not encrypted")}
	}
	var challenge wire.EncChallenge
	if err := json.Unmarshal(payload, &challenge); err != nil {
		return &HandshakeError{"encryption challenge", err}
	}
	plain, err := key.open(challenge.Challenge)
	if err != nil {
		return &HandshakeError{"encryption challenge", err}
	}
	b, err := json.Marshal(wire.EncChallenge{Challenge: key.seal(plain)})
	if err != nil {
		return &HandshakeError{"encryption challenge", err}
	}
	c.sendNow(wire.PayloadEncChallengeResponse, b)
	return nil
}

func (c *Channel) setAgentVersion(v string) {
	c.mu.Lock()
	c.info.AgentVersion = v
	c.mu.Unlock()
}

// agentVersion may be asked while the handshake still runs.
func (c *Channel) agentVersion() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info.AgentVersion
}
