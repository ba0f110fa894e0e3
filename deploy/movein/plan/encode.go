package plan

import (
	"bytes"
	"encoding/json"
)

// timeFormat is the one of chat.commands.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// Encode gives the record's value for the topic of imports, in one line.
func (r *Record) Encode() ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(struct {
		V           int    `json:"v"`
		ID          string `json:"id"`
		Op          string `json:"op"`
		Application string `json:"application"`
		Username    string `json:"username,omitempty"`
		Chat        int64  `json:"chat,omitempty"`
		Number      int64  `json:"number,omitempty"`
		Message     string `json:"message,omitempty"`
		Time        string `json:"time"`
	}{1, r.ID, string(r.Op), r.Application, r.Username, r.Chat, r.Number, r.Message, r.Time.UTC().Format(timeFormat)})
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), err
}
