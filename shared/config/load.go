package config

import (
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
)

// Sections are all sections that a config.yaml may have. One file serves all
// services: each reads its own sections and lets the others be, but a section
// that nobody knows is refused.
var Sections = []string{"log", "kafka", "topics", "mysql", "redis", "elasticsearch", "ingest", "sinks", "query", "local"}

// EnvPrefix starts every variable; the rest is the key in capitals with
// underscores: kafka.brokers is CHATLOG_KAFKA_BROKERS.
const EnvPrefix = "CHATLOG_"

// Validator is a section that can check itself. Each error starts with the key.
type Validator interface{ Validate() []error }

// Load fills into, a pointer to a struct of sections that holds the defaults,
// from the file at path (none if empty) and from the environment, which wins.
// It refuses unknown keys and variables, wrong types and what the sections'
// Validate finds, all at once.
func Load(path string, environ []string, into any) error {
	l := loader{viper: viper.New(), keys: map[string]reflect.Type{}}
	l.collect("", reflect.TypeOf(into).Elem())
	l.readFile(path)
	l.readEnvironment(environ)
	l.readSecretFiles()
	l.decode(into)
	l.validate(reflect.ValueOf(into).Elem())
	return errors.Join(l.errs...)
}

type loader struct {
	viper *viper.Viper
	keys  map[string]reflect.Type // every key of the struct, with dots
	errs  []error
}

func (l *loader) fail(format string, args ...any) {
	l.errs = append(l.errs, fmt.Errorf(format, args...))
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
)

// squash is the tag of a struct whose keys are its parent's.
const squash = ",squash"

// collect lists the keys of a struct. A secret may also come from a file.
func (l *loader) collect(prefix string, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		key := prefix + f.Tag.Get("mapstructure")
		switch {
		case f.Tag.Get("mapstructure") == squash:
			l.collect(prefix, f.Type)
			continue
		case f.Type.Kind() == reflect.Struct:
			l.collect(key+".", f.Type)
			continue
		}
		l.keys[key] = f.Type
		if f.Type == secretType {
			l.keys[key+"_file"] = reflect.TypeFor[string]()
		}
	}
}

// mine reports whether a key lies in one of the struct's sections.
func (l *loader) mine(section string) bool {
	for key := range l.keys {
		if strings.HasPrefix(key, section+".") {
			return true
		}
	}
	return false
}

func (l *loader) readFile(path string) {
	if path == "" {
		return
	}
	l.viper.SetConfigFile(path)
	l.viper.SetConfigType("yaml")
	if err := l.viper.ReadInConfig(); err != nil {
		l.fail("%s: %w", path, err)
		return
	}
	for _, key := range l.viper.AllKeys() {
		section, _, _ := strings.Cut(key, ".")
		switch {
		case l.mine(section):
			if _, known := l.keys[key]; !known {
				l.fail("%s: unknown key %s", path, key)
			}
		case !slices.Contains(Sections, section):
			l.fail("%s: unknown section %s", path, section)
		}
	}
}

func variable(key string) string {
	return EnvPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func (l *loader) readEnvironment(environ []string) {
	names := map[string]string{}
	for key := range l.keys {
		names[variable(key)] = key
	}
	for _, assignment := range environ {
		name, value, _ := strings.Cut(assignment, "=")
		if !strings.HasPrefix(name, EnvPrefix) || strings.HasPrefix(name, EnvPrefix+"TEST_") {
			continue
		}
		key, known := names[name]
		if !known {
			section, _, _ := strings.Cut(strings.ToLower(strings.TrimPrefix(name, EnvPrefix)), "_")
			if l.mine(section) || !slices.Contains(Sections, section) {
				l.fail("unknown variable %s", name)
			}
			continue
		}
		parsed, err := parse(value, l.keys[key])
		if err != nil {
			l.fail("%s: %w", name, err)
			continue
		}
		l.viper.Set(key, parsed)
	}
}

// parse reads a variable as the type of its key.
func parse(text string, t reflect.Type) (any, error) {
	switch {
	case t == durationType:
		d, err := time.ParseDuration(text)
		if err != nil {
			return nil, errors.New("not a duration such as 500ms or 5s")
		}
		return d, nil
	case t.Kind() == reflect.Bool:
		b, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New("not true or false")
		}
		return b, nil
	case t.Kind() == reflect.Int || t.Kind() == reflect.Int64:
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, errors.New("not a whole number")
		}
		return n, nil
	case t.Kind() == reflect.Slice:
		var list []string
		for _, item := range strings.Split(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		return list, nil
	}
	return text, nil
}

func (l *loader) readSecretFiles() {
	for key, t := range l.keys {
		name := l.viper.GetString(key + "_file")
		if t != secretType || name == "" {
			continue
		}
		if l.viper.GetString(key) != "" {
			l.fail("%s and %s_file: only one of them may be given", key, key)
		}
		content, err := os.ReadFile(name)
		if err != nil {
			l.fail("%s_file: %w", key, err)
			continue
		}
		l.viper.Set(key, strings.TrimRight(string(content), "\r\n"))
	}
}

// decode fills the struct key by key, so that every wrong type is told.
func (l *loader) decode(into any) {
	for key, t := range l.keys {
		if !l.viper.IsSet(key) || strings.HasSuffix(key, "_file") && l.keys[strings.TrimSuffix(key, "_file")] == secretType {
			continue
		}
		target := reflect.New(t)
		d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: target.Interface(),
			DecodeHook: mapstructure.StringToTimeDurationHookFunc()})
		if err == nil {
			err = d.Decode(l.viper.Get(key))
		}
		if err != nil || t == durationType && reflect.TypeOf(l.viper.Get(key)).Kind() == reflect.Int {
			l.fail("%s: not of the type %s", key, typeName(t))
			continue
		}
		field(reflect.ValueOf(into).Elem(), key).Set(target.Elem())
	}
}

func typeName(t reflect.Type) string {
	switch {
	case t == durationType:
		return "duration (such as 500ms or 5s)"
	case t == secretType:
		return "string"
	}
	return t.String()
}

// field finds the field of a key; the zero Value if there is none.
func field(v reflect.Value, key string) reflect.Value {
	head, rest, nested := strings.Cut(key, ".")
	for i := range v.NumField() {
		switch tag := v.Type().Field(i).Tag.Get("mapstructure"); {
		case tag == squash:
			if f := field(v.Field(i), key); f.IsValid() {
				return f
			}
		case tag == head && nested:
			return field(v.Field(i), rest)
		case tag == head:
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

func (l *loader) validate(v reflect.Value) {
	for i := range v.NumField() {
		name := v.Type().Field(i).Tag.Get("mapstructure")
		if section, ok := v.Field(i).Interface().(Validator); ok {
			for _, err := range section.Validate() {
				l.fail("%s.%w", name, err)
			}
		}
	}
}
