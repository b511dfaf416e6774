package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"ssmguard/proxy/channel/wire"
)

// handshakeTimeout is how long the agent waits for each answer.
const handshakeTimeout = 15 * time.Second

// hasHandshake reports whether the session begins with a handshake.
func (a *agent) hasHandshake() bool {
	c := a.s.cfg
	switch c.Handshake {
	case HandshakeAlways:
		return true
	case HandshakeNever:
		return false
	}
	return c.Kind == Port || c.Kind == NonInteractiveCommands || c.KMSKeyID != ""
}

// handshake describes the session to the client and agrees on a key. The client gets
// the text of an error when the session closes.
func (a *agent) handshake() error {
	begun := time.Now()
	c := a.s.cfg
	actions := []wire.RequestedAction{{ActionType: wire.ActionSessionType, ActionParameters: toJSON(
		wire.SessionTypeRequest{SessionType: string(c.Kind), Properties: toJSON(c.Properties)})}}
	if a.encrypts() {
		actions = append(actions, wire.RequestedAction{ActionType: wire.ActionKMSEncryption,
			ActionParameters: toJSON(wire.KMSEncryptionRequest{KMSKeyID: c.KMSKeyID})})
	}
	request := wire.HandshakeRequest{AgentVersion: c.AgentVersion, RequestedClientActions: actions}
	if err := a.say(wire.PayloadHandshakeRequest, toJSON(request)); err != nil {
		return err
	}
	p, err := a.answer(wire.PayloadHandshakeResponse)
	if err != nil {
		return err
	}
	if err := a.agree(p); err != nil {
		return err
	}
	// The real agent takes input only just after this message. There the network delays the
	// first input; here nothing does.
	a.ready.Store(true)
	return a.say(wire.PayloadHandshakeComplete, toJSON(wire.HandshakeComplete{
		HandshakeTimeToComplete: time.Since(begun), CustomerMessage: c.CustomerMessage}))
}

// encrypts reports whether the session is encrypted; ports never are.
func (a *agent) encrypts() bool { return a.s.cfg.KMSKeyID != "" && a.s.cfg.Kind != Port }

// agree reads the client's answers and, when the session is encrypted, makes the
// client prove that it has the key.
func (a *agent) agree(p []byte) error {
	var r struct {
		ClientVersion          string
		ProcessedClientActions []struct {
			ActionType   wire.ActionType
			ActionStatus wire.ActionStatus
			ActionResult json.RawMessage
			Error        string
		}
		Errors []string
	}
	if err := json.Unmarshal(p, &r); err != nil {
		return fmt.Errorf("handshake response: %v", err)
	}
	a.client = r.ClientVersion
	var cipherText []byte
	for _, action := range r.ProcessedClientActions {
		if action.ActionStatus != wire.ActionSuccess {
			return fmt.Errorf("%s failed on client with status %d error: %s", action.ActionType, action.ActionStatus, action.Error)
		}
		if action.ActionType == wire.ActionKMSEncryption {
			var k wire.KMSEncryptionResult
			if err := json.Unmarshal(action.ActionResult, &k); err != nil {
				return fmt.Errorf("handshake response: %v", err)
			}
			cipherText = k.KMSCipherTextKey
		}
	}
	if len(r.Errors) > 0 {
		return errors.New(strings.Join(r.Errors, "; "))
	}
	if !a.encrypts() {
		return nil
	}
	return a.agreeOnKey(cipherText)
}

// agreeOnKey has KMS decrypt the client's data key and sends the challenge.
func (a *agent) agreeOnKey(cipherText []byte) error {
	c := a.s.cfg
	if a.s.g.opt.Decrypt == nil {
		return errors.New("fetching data key failed: no KMS here")
	}
	key, err := a.s.g.opt.Decrypt(a.ctx, c.KMSKeyID, cipherText, map[string]string{
		"aws:ssm:SessionId": c.ID, "aws:ssm:TargetId": c.Target})
	if err != nil {
		return fmt.Errorf("fetching data key failed: %v", err)
	}
	k, err := newCrypt(key)
	if err != nil {
		return err
	}
	if err := a.say(wire.PayloadEncChallengeRequest, toJSON(wire.EncChallenge{Challenge: k.seal(k.challenge)})); err != nil {
		return err
	}
	p, err := a.answer(wire.PayloadEncChallengeResponse)
	if err != nil {
		return err
	}
	var answer wire.EncChallenge
	if json.Unmarshal(p, &answer) != nil || !k.proves(answer.Challenge) {
		return errors.New("encryption challenge does not match")
	}
	a.crypt = k
	return nil
}

// answer waits for the client's next handshake payload of that type.
func (a *agent) answer(t wire.PayloadType) ([]byte, error) {
	late := time.NewTimer(handshakeTimeout)
	defer late.Stop()
	for {
		select {
		case m := <-a.answers:
			if m.PayloadType == t {
				return m.Payload, nil
			}
		case <-late.C:
			return nil, verbatim("Handshake timed out. Please ensure that you have the latest version of the session manager plugin.")
		case <-a.ctx.Done():
			return nil, errStopped
		}
	}
}
