// Package mysqlconn is the way to MySQL.
package mysqlconn

import (
	"database/sql"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/go-sql-driver/mysql"

	"chatlog/shared/config"
	"chatlog/shared/tlsconf"
)

// Config is the section `mysql`.
type Config struct {
	Address      string         `mapstructure:"address"` // host:port of the primary
	User         string         `mapstructure:"user"`
	Password     config.Secret  `mapstructure:"password"`
	Database     string         `mapstructure:"database"`
	DialTimeout  time.Duration  `mapstructure:"dial_timeout"`
	ReadTimeout  time.Duration  `mapstructure:"read_timeout"`  // of one answer; the driver itself has no limit
	WriteTimeout time.Duration  `mapstructure:"write_timeout"` // of one statement's sending
	MaxOpen      int            `mapstructure:"max_open"`      // connections
	TLS          tlsconf.Client `mapstructure:"tls"`
}

// Default gives the section's defaults.
func Default() Config {
	return Config{Address: "127.0.0.1:3306", User: "chatlog", Database: "chatlog", DialTimeout: 3 * time.Second,
		ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second, MaxOpen: 32}
}

// Validate checks the section.
func (c Config) Validate() []error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		errs = append(errs, fmt.Errorf("address: %q is not host:port", c.Address))
	}
	if c.User == "" || c.Database == "" {
		errs = append(errs, errors.New("user and database: must be given"))
	}
	if c.DialTimeout <= 0 || c.ReadTimeout <= 0 || c.WriteTimeout <= 0 {
		errs = append(errs, errors.New("dial_timeout, read_timeout and write_timeout: must be positive"))
	}
	if c.MaxOpen < 2 {
		errs = append(errs, errors.New("max_open: at least 2 connections are needed"))
	}
	return append(errs, c.TLS.Validate()...)
}

// Open makes a pool; it connects when it is used and recovers by itself.
func Open(c Config) (*sql.DB, error) {
	d := mysql.NewConfig()
	d.Net, d.Addr, d.User, d.Passwd, d.DBName = "tcp", c.Address, c.User, c.Password.Reveal(), c.Database
	d.Timeout, d.ReadTimeout, d.WriteTimeout = c.DialTimeout, c.ReadTimeout, c.WriteTimeout
	d.Collation = "utf8mb4_bin"
	d.RejectReadOnly = true    // a demoted primary: go and find the new one
	d.InterpolateParams = true // one round trip a statement instead of three
	d.CheckConnLiveness = true // do not write into a connection that the server has closed
	d.Params = map[string]string{"sql_mode": "'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'", "time_zone": "'+00:00'"}
	var err error
	if d.TLS, err = c.TLS.Config(); err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	connector, err := mysql.NewConnector(d)
	if err != nil {
		return nil, fmt.Errorf("mysql: %w", err)
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(c.MaxOpen)
	db.SetMaxIdleConns(c.MaxOpen)
	db.SetConnMaxIdleTime(time.Minute)
	return db, nil
}
