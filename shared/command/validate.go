package command

import (
	"errors"
	"time"
	"unicode/utf8"

	"chatlog/shared/position"
)

// Validate checks the bounds of every field that the operation has.
func (c *Command) Validate() error {
	if !validUUID(c.ID) {
		return errors.New("command: id is not a lower-case UUID")
	}
	if c.Keyed != (c.Fingerprint != "") || (c.Keyed && !isHex(c.Fingerprint, 64)) {
		return errors.New("command: a keyed command, and no other, has a fingerprint of 64 hex digits")
	}
	if !validTime(c.Time) || (c.Op == MessageUpdate || c.Op == MessageDelete) && !validTime(c.Created) {
		return errors.New("command: time or created is out of range")
	}
	switch c.Op {
	case LogOpen:
		if c.Keyed || !c.Log.Valid() || c.Generation < 1 || c.Generation > position.MaxGeneration {
			return errors.New("command: log.open without a proper log id and generation")
		}
		return nil
	case ApplicationCreate:
		if !ValidUsername(c.Username) {
			return errors.New("command: username is not 1 to 255 characters of valid UTF-8")
		}
	case ChatCreate:
		if c.Chat < 1 {
			return errors.New("command: chat is not positive")
		}
	case MessageCreate, MessageUpdate, MessageDelete:
		if c.Chat < 1 || c.Number < 1 {
			return errors.New("command: chat or number is not positive")
		}
		if c.Op != MessageDelete && !ValidMessage(c.Message) {
			return errors.New("command: message is not 1 byte to 64 KiB of valid UTF-8")
		}
	default:
		return errors.New("command: unknown operation")
	}
	if !ValidToken(c.Application) {
		return errors.New("command: application is not a token")
	}
	return nil
}

func validTime(t time.Time) bool { return t.Year() >= 1 && t.Year() <= 9999 }

// ValidMessage reports whether text is 1 byte to 64 KiB of valid UTF-8.
func ValidMessage(text string) bool {
	return len(text) >= 1 && len(text) <= MaxMessageBytes && utf8.ValidString(text)
}

// ValidUsername reports whether name has 1 to 255 characters of valid UTF-8.
func ValidUsername(name string) bool {
	return name != "" && len(name) <= 4*MaxUsernameRunes &&
		utf8.ValidString(name) && utf8.RuneCountInString(name) <= MaxUsernameRunes
}

// ValidToken reports whether text can be an application token: 32 lower-case
// hex digits, or 8 for those brought over from the replaced system.
func ValidToken(text string) bool { return isHex(text, 32) || isHex(text, 8) }

func isHex(text string, length int) bool {
	if len(text) != length {
		return false
	}
	for i := range len(text) {
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// validUUID takes only the canonical lower-case form, so that one id has one
// spelling in every store.
func validUUID(id string) bool {
	if len(id) != 36 || id[8] != '-' || id[13] != '-' || id[18] != '-' || id[23] != '-' {
		return false
	}
	return isHex(id[:8], 8) && isHex(id[9:13], 4) && isHex(id[14:18], 4) &&
		isHex(id[19:23], 4) && isHex(id[24:], 12)
}
