-- The relational view. Every key starts with the application: one application's
-- rows lie together.
-- Times are microseconds since 1970 in UTC. version is generation<<44 | offset of
-- the last change. Counts are the greatest number given.

CREATE TABLE IF NOT EXISTS application (
  token    TEXT NOT NULL,
  username TEXT NOT NULL,
  chats    INTEGER NOT NULL,
  created  INTEGER NOT NULL,
  version  INTEGER NOT NULL,
  PRIMARY KEY (token)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS chat (
  application TEXT NOT NULL,
  number      INTEGER NOT NULL,
  messages    INTEGER NOT NULL,
  created     INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  PRIMARY KEY (application, number),
  CONSTRAINT chat_application FOREIGN KEY (application) REFERENCES application (token)
) WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS message (
  application TEXT NOT NULL,
  chat        INTEGER NOT NULL,
  number      INTEGER NOT NULL,
  message     TEXT NOT NULL,
  created     INTEGER NOT NULL,
  edited      INTEGER NOT NULL,
  deleted     INTEGER NOT NULL,
  version     INTEGER NOT NULL,
  PRIMARY KEY (application, chat, number),
  CONSTRAINT message_chat FOREIGN KEY (application, chat) REFERENCES chat (application, number)
);

-- Keyed commands: what a repeated Idempotency-Key is answered from.
CREATE TABLE IF NOT EXISTS keyed_command (
  id            TEXT NOT NULL,
  application   TEXT NOT NULL,
  op            TEXT NOT NULL,
  chat          INTEGER NOT NULL,
  number        INTEGER NOT NULL,
  fingerprint   TEXT NOT NULL,
  record_offset INTEGER NOT NULL,
  PRIMARY KEY (id)
) WITHOUT ROWID;

-- How far the view has come in each partition; written with the rows.
CREATE TABLE IF NOT EXISTS progress (
  partition_no INTEGER NOT NULL,
  log          TEXT NOT NULL,
  generation   INTEGER NOT NULL,
  next_offset  INTEGER NOT NULL,
  last_id      TEXT NOT NULL,
  last_offset  INTEGER NOT NULL,
  PRIMARY KEY (partition_no)
) WITHOUT ROWID;
