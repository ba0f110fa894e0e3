package config

import (
	"errors"
	"fmt"
	"maps"
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
var Sections = []string{"log", "profile", "tracing", "kafka", "topics", "mysql", "redis", "elasticsearch", "forward", "limits", "ingest", "sinks", "query", "local"}

// EnvPrefix starts every variable; the rest is the key in capitals with
// underscores: kafka.brokers is CHATLOG_KAFKA_BROKERS.
const EnvPrefix = "CHATLOG_"

// Validator is a section that can check itself. Each error starts with the key.
// The whole may be one, too, for what sections say of one another; its errors
// start with whole keys.
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

// known reports whether a key is one of the struct, or lies below one: then
// decode refuses it as being of the wrong type.
func (l *loader) known(key string) bool {
	for {
		if _, known := l.keys[key]; known {
			return true
		}
		end := strings.LastIndexByte(key, '.')
		if end < 0 {
			return false
		}
		key = key[:end]
	}
}

// sorted gives the keys in order, so that errors come in the same order always.
func (l *loader) sorted() []string { return slices.Sorted(maps.Keys(l.keys)) }

// mine reports whether the struct has such a section.
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
	found := l.viper.AllKeys()
	slices.Sort(found)
	for _, key := range found {
		section, _, _ := strings.Cut(key, ".")
		switch {
		case l.mine(section):
			if !l.known(key) && (!l.mine(key) || l.viper.Get(key) != nil) { // a section may be empty
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
	case reflect.Zero(t).CanInt():
		n, err := strconv.ParseInt(text, 10, t.Bits())
		if err != nil {
			return nil, fmt.Errorf("not a whole number of %d bits", t.Bits())
		}
		return n, nil
	case reflect.Zero(t).CanUint():
		n, err := strconv.ParseUint(text, 10, t.Bits())
		if err != nil {
			return nil, fmt.Errorf("not a positive whole number of %d bits", t.Bits())
		}
		return n, nil
	case reflect.Zero(t).CanFloat():
		n, err := strconv.ParseFloat(text, t.Bits())
		if err != nil {
			return nil, errors.New("not a number")
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
	for _, key := range l.sorted() {
		name := l.viper.GetString(key + "_file")
		if l.keys[key] != secretType || name == "" {
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
	for _, key := range l.sorted() {
		t := l.keys[key]
		if !l.viper.IsSet(key) || strings.HasSuffix(key, "_file") && l.keys[strings.TrimSuffix(key, "_file")] == secretType {
			continue
		}
		value := l.viper.Get(key)
		target := reflect.New(t)
		d, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{Result: target.Interface(),
			DecodeHook: mapstructure.StringToTimeDurationHookFunc()})
		if err == nil {
			err = d.Decode(value)
		}
		if err != nil || !fits(reflect.ValueOf(value), t) {
			l.fail("%s: not of the type %s", key, typeName(t))
			continue
		}
		field(reflect.ValueOf(into).Elem(), key).Set(target.Elem())
	}
}

// fits refuses what mapstructure would bend: a duration without a unit, a
// fraction for a whole number, a number that its type cannot hold.
func fits(v reflect.Value, t reflect.Type) bool {
	zero := reflect.Zero(t)
	switch {
	case t == durationType:
		return v.Kind() == reflect.String || v.Type() == durationType
	case zero.CanInt():
		return v.CanInt() && !zero.OverflowInt(v.Int())
	case zero.CanUint() && v.CanInt():
		return v.Int() >= 0 && !zero.OverflowUint(uint64(v.Int()))
	case zero.CanUint():
		return v.CanUint() && !zero.OverflowUint(v.Uint())
	}
	return true
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
	if whole, ok := v.Interface().(Validator); ok {
		l.errs = append(l.errs, whole.Validate()...)
	}
}
