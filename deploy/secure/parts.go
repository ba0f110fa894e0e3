// Package secure runs real parts that let nobody in who does not prove who he is:
// Kafka with TLS, SASL and ACLs, MySQL that refuses plain connections, Redis with
// ACL users, Elasticsearch with its security on. They are a test's own.
package secure

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"chatlog/deploy/system"
	"chatlog/shared/tlsconf/tlsconftest"
)

// Parts are the running parts.
type Parts struct {
	CA     *tlsconftest.Authority
	Mark   string            // begins every password, so that any of them is found wherever it shows
	Client tlsconftest.Files // a client's certificate, of the name `query`
	Other  tlsconftest.Files // an authority that nobody here has heard of, and a certificate of it
	Kafka  string            // host:port for clients with a password
	Mutual string            // host:port of the same broker for clients with a certificate
	MySQL  string            // host:port
	Redis  string            // host:port
	Search string            // host:port of Elasticsearch

	dir      string
	keys     map[string]string
	allowed  bool // the services have their rights in Kafka
	programs []*system.Program
}

// Password is a user's.
func (p *Parts) Password(user string) string { return p.Mark + "-" + user }

// Key is a user's API key of Elasticsearch, as chatlog takes it.
func (p *Parts) Key(user string) string { return p.keys[user] }

// Tells gives where a text tells a secret, or -1.
func (p *Parts) Tells(text string) int {
	at := strings.Index(text, p.Mark)
	for _, key := range p.keys {
		at = max(at, strings.Index(text, key))
	}
	return at
}

// Start starts all parts in a folder and waits until they are ready, with their
// users made. script is deploy/stack/secure.sh. What was started must be stopped
// whatever the error.
func Start(ctx context.Context, script, dir string) (*Parts, error) {
	p := &Parts{Mark: system.UniqueName("unseen"), dir: dir}
	if err := errors.Join(os.MkdirAll(dir, 0o755), os.Chmod(dir, 0o755), p.certify()); err != nil {
		return p, err
	}
	var ports [7]string
	for i := range ports {
		at, err := system.FreeAddress()
		if err != nil {
			return p, err
		}
		_, ports[i], err = net.SplitHostPort(at)
		if err != nil {
			return p, err
		}
	}
	at := func(i int) string { return "127.0.0.1:" + ports[i] }
	p.Kafka, p.Mutual, p.MySQL, p.Redis, p.Search = at(0), at(2), at(3), at(4), at(5)
	env := []string{"SECURE_MARK=" + p.Mark, "KAFKA_PORT=" + ports[0], "KAFKA_CONTROLLER_PORT=" + ports[1], "KAFKA_MUTUAL_PORT=" + ports[2],
		"MYSQL_PORT=" + ports[3], "REDIS_PORT=" + ports[4], "ELASTICSEARCH_PORT=" + ports[5], "ELASTICSEARCH_TRANSPORT_PORT=" + ports[6],
		"ELASTICSEARCH_HEAP=512m", "KAFKA_HEAP=256m", "JVM_OPTIONS=-XX:TieredStopAtLevel=1"} // quick to start
	if cache := os.Getenv("STACK_CACHE"); cache != "" {
		env = append(env, "STACK_CACHE="+cache)
	}
	for part, listen := range map[string]string{"kafka": p.Kafka, "mysql": p.MySQL, "redis": p.Redis, "elasticsearch": p.Search} {
		program := &system.Program{Name: part, Path: script, Args: []string{part, filepath.Join(dir, part)}, Env: env,
			Listen: listen, Log: filepath.Join(dir, part+".log"), Dir: dir}
		p.programs = append(p.programs, program)
		if err := program.Start(); err != nil {
			return p, err
		}
	}
	return p, p.ready(ctx)
}

// certify makes what the parts and their clients show.
func (p *Parts) certify() (err error) {
	if p.CA, err = tlsconftest.New(); err != nil {
		return err
	}
	for _, part := range []string{"kafka", "mysql", "redis", "elasticsearch"} {
		certs := filepath.Join(p.dir, part, "certs")
		if err := errors.Join(os.MkdirAll(certs, 0o755), os.Chmod(filepath.Dir(certs), 0o755)); err != nil {
			return err
		}
		if _, err := p.CA.Write(certs, "server"); err != nil {
			return err
		}
	}
	other, err := tlsconftest.New()
	if err != nil {
		return err
	}
	for folder, from := range map[string]*tlsconftest.Authority{"own": p.CA, "other": other} {
		path := filepath.Join(p.dir, folder)
		files, errWrite := tlsconftest.Files{}, os.MkdirAll(path, 0o755)
		if errWrite == nil {
			files, errWrite = from.Write(path, "query")
		}
		if errWrite != nil {
			return errWrite
		}
		if from == p.CA {
			p.Client = files
		} else {
			p.Other = files
		}
	}
	return nil
}

// readyWait is how long all of them may take on a busy machine.
const readyWait = 4 * time.Minute

func (p *Parts) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for name, users := range map[string]func(context.Context) error{"kafka": p.readyKafka, "mysql": p.usersOfMySQL, "redis": p.readyRedis, "elasticsearch": p.readySearch} {
		if err := p.await(ctx, name, users); err != nil {
			return err
		}
	}
	return nil
}

// await tries until the part is ready, has ended, or the time is up.
func (p *Parts) await(ctx context.Context, name string, try func(context.Context) error) error {
	var program *system.Program
	for _, candidate := range p.programs {
		if candidate.Name == name {
			program = candidate
		}
	}
	for {
		bounded, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := try(bounded)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; see %s", name, err, program.Log)
		case <-program.Exited():
			return fmt.Errorf("%s has ended: %w; see %s", name, err, program.Log)
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// Stop ends all parts. They have nothing that would be missed.
func (p *Parts) Stop() error {
	var errs []error
	for _, program := range p.programs {
		if program.Name != "elasticsearch" {
			errs = append(errs, program.Kill())
			continue
		}
		// Its launcher ends the node itself, which a kill -9 would leave to notice.
		// It ends with the signal's exit code.
		if err := program.Stop(30 * time.Second); err != nil && program.Running() {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
