package main

import (
	"testing"

	"chatlog/shared/program/programtest"
)

func TestHelpTeaches(t *testing.T) { programtest.Teaches(t, chaos()) }
