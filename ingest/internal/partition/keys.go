package partition

import "chatlog/shared/view"

// Keys are the rows that a state lacks.
type Keys struct {
	Applications []string
	Chats        []view.ChatKey
	Messages     []view.MessageKey
	Commands     []string
}

// Len is the number of rows asked for.
func (k *Keys) Len() int {
	return len(k.Applications) + len(k.Chats) + len(k.Messages) + len(k.Commands)
}

// Rows are what the view has of the keys asked for, and the view's progress in
// the same snapshot. Rows without the progress of their own snapshot would be
// worthless: nobody could tell what they are missing.
type Rows struct {
	Progress     view.Progress
	Applications map[string]view.Application
	Chats        map[view.ChatKey]view.Chat
	Messages     map[view.MessageKey]view.Message
	Commands     map[string]view.KeyedCommand
}
