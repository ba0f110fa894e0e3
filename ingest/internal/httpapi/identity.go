package httpapi

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"net/http"
	"strings"

	"github.com/google/uuid"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/fault"
)

// HeaderKey makes a write repeatable: the same key and request get the same
// reply, whoever answers and whenever.
const HeaderKey = "Idempotency-Key"

// maxKey bounds a key, in bytes.
const maxKey = 255

var (
	errKey       = fault.New(fault.Invalid, "Idempotency-Key must be 1 to 255 visible ASCII characters")
	errKeyUUID   = fault.New(fault.Invalid, "Idempotency-Key must be a UUID when an application is created")
	errKeySecret = fault.New(fault.Invalid, "Idempotency-Key is not available for applications: the server has no token secret")
)

// namespace keeps ids made from keys apart from all other name-based UUIDs.
var namespace = uuid.MustParse("5a0b6b1e-6a53-5a0c-9d1c-c2f1f6d1f0a7")

// identify gives a request its command id: one of its own, or the one that its
// Idempotency-Key stands for, together with a fingerprint of what is asked.
func identify(request *partition.Request, r *http.Request, path string, body []byte) error {
	values := r.Header.Values(HeaderKey)
	if len(values) == 0 {
		request.ID = uuid.Must(uuid.NewV7()).String()
		return nil
	}
	key := values[0]
	if len(values) > 1 || !validKey(key) {
		return errKey
	}
	if request.Op == command.ApplicationCreate {
		key = strings.ToLower(key) // a UUID: one key has one spelling, as its token has
	}
	request.ID = uuid.NewSHA1(namespace, lengthPrefixed(request.Application, key)).String()
	sum := sha256.Sum256(lengthPrefixed(r.Method, path, string(body)))
	request.Keyed, request.Fingerprint = true, hex.EncodeToString(sum[:])
	return nil
}

func validKey(key string) bool {
	if key == "" || len(key) > maxKey {
		return false
	}
	for i := range len(key) {
		if key[i] <= ' ' || key[i] >= 0x7f {
			return false
		}
	}
	return true
}

// lengthPrefixed joins fields so that no two lists of fields look the same.
func lengthPrefixed(fields ...string) []byte {
	var out []byte
	for _, f := range fields {
		out = binary.AppendUvarint(out, uint64(len(f)))
		out = append(out, f...)
	}
	return out
}

// Tokens makes the tokens of new applications.
type Tokens struct {
	secrets []string
	prefer  func(token string) bool
}

// NewTokens makes tokens; secrets are what tokens of keyed requests are derived
// with, the one for new applications first. The others are those of before a
// rotation: a retry of a request that was answered with one of them still finds
// its application. One that is taken away makes such a retry a new application.
// prefer says which random tokens this instance likes best: those of its own
// partitions, which need no forwarding.
func NewTokens(secrets []string, prefer func(token string) bool) *Tokens {
	return &Tokens{secrets, prefer}
}

// draws bounds the search for a token that is preferred.
const draws = 64

// For gives a random token, or those that belong to a key, so that a retry
// finds the same partition: the one for a new application first, then those
// that an application of before a rotation may have.
func (t *Tokens) For(key string) ([]string, error) {
	if key == "" {
		token := randomToken()
		for range draws {
			if t.prefer(token) {
				break
			}
			token = randomToken()
		}
		return []string{token}, nil
	}
	id, err := uuid.Parse(key)
	if err != nil || len(key) != 36 {
		return nil, errKeyUUID
	}
	if len(t.secrets) == 0 {
		return nil, errKeySecret
	}
	var all []string
	for _, secret := range t.secrets {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(id[:])
		all = append(all, hex.EncodeToString(mac.Sum(nil)[:16]))
	}
	return all, nil
}

func randomToken() string {
	var raw [16]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return hex.EncodeToString(raw[:])
}
