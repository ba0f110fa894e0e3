package kafka

import "testing"

func TestRealReadme(t *testing.T) { start(t, shared(t)).play("README.md", nil) }

func TestRealLag(t *testing.T) { start(t, shared(t)).play("lag.md", nil) }
