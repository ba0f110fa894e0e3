-- The relational view. Every key starts with the application: one application's
-- rows lie together, and the tables can be sharded by it (Vitess, TiDB).
-- Times are microseconds since 1970 in UTC. version is generation<<44 | offset of
-- the last change. Counts are the greatest number given.

CREATE TABLE IF NOT EXISTS application (
  token    VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  username VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  chats    BIGINT NOT NULL,
  created  BIGINT NOT NULL,
  version  BIGINT NOT NULL,
  PRIMARY KEY (token)
) ENGINE = InnoDB;

CREATE TABLE IF NOT EXISTS chat (
  application VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  number      BIGINT NOT NULL,
  messages    BIGINT NOT NULL,
  created     BIGINT NOT NULL,
  version     BIGINT NOT NULL,
  PRIMARY KEY (application, number),
  CONSTRAINT chat_application FOREIGN KEY (application) REFERENCES application (token)
) ENGINE = InnoDB;

-- 65,536 bytes do not fit TEXT.
CREATE TABLE IF NOT EXISTS message (
  application VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  chat        BIGINT NOT NULL,
  number      BIGINT NOT NULL,
  message     MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  created     BIGINT NOT NULL,
  edited      BIGINT NOT NULL,
  deleted     TINYINT NOT NULL,
  version     BIGINT NOT NULL,
  PRIMARY KEY (application, chat, number),
  CONSTRAINT message_chat FOREIGN KEY (application, chat) REFERENCES chat (application, number)
) ENGINE = InnoDB;

-- Keyed commands: what a repeated Idempotency-Key is answered from.
CREATE TABLE IF NOT EXISTS keyed_command (
  id            CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  application   VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  op            VARCHAR(32) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  chat          BIGINT NOT NULL,
  number        BIGINT NOT NULL,
  fingerprint   CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  record_offset BIGINT NOT NULL,
  PRIMARY KEY (id)
) ENGINE = InnoDB;

-- How far the view has come in each partition; written with the rows.
CREATE TABLE IF NOT EXISTS progress (
  partition_no INT NOT NULL,
  log          VARCHAR(16) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  generation   BIGINT NOT NULL,
  next_offset  BIGINT NOT NULL,
  last_id      VARCHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  last_offset  BIGINT NOT NULL,
  PRIMARY KEY (partition_no)
) ENGINE = InnoDB;
