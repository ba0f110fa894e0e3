package catalogue

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// compile makes a catalogue as msgfmt does, in either byte order.
func compile(order binary.ByteOrder, pairs []pair) []byte {
	head := make([]byte, 28+16*len(pairs))
	order.PutUint32(head, 0x950412de)
	order.PutUint32(head[8:], uint32(len(pairs)))
	order.PutUint32(head[12:], 28)
	order.PutUint32(head[16:], uint32(28+8*len(pairs)))
	body := bytes.NewBuffer(head)
	for i, p := range pairs {
		for j, text := range []string{p.original, p.translation} {
			at := 28 + 8*len(pairs)*j + 8*i
			order.PutUint32(head[at:], uint32(len(text)))
			order.PutUint32(head[at+4:], uint32(body.Len()))
			body.WriteString(text + "\x00")
		}
	}
	out := body.Bytes()
	copy(out, head)
	return out
}

func TestParse(t *testing.T) {
	want := []pair{{"", "Project-Id-Version: x\n"}, {"menu\x04File", "Datei"}, {"%d day\x00%d days", "%d Tag\x00%d Tage"}}
	for _, order := range []binary.ByteOrder{binary.LittleEndian, binary.BigEndian} {
		file := compile(order, want)
		got, err := parse(file)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Fatal(got, err)
		}
		for end := range len(file) - 1 { // every cut file is refused, none is half read
			if _, err := parse(file[:end]); err == nil && end < len(file)-1 {
				t.Fatalf("%d of %d bytes are taken for a whole file", end, len(file))
			}
		}
	}
}

func TestGather(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"de", "zh_CN", "fr"} {
		at := filepath.Join(dir, name, "LC_MESSAGES")
		if err := os.MkdirAll(at, 0o755); err != nil {
			t.Fatal(err)
		}
		file := compile(binary.LittleEndian, []pair{{"", "Project-Id-Version: x\n"}, {"menu\x04File", name + " file"}, {"%d day\x00%d days", name + "\x00\xff\x00both"}})
		if err := os.WriteFile(filepath.Join(at, "x.mo"), file, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := Gather([]string{dir}, []string{"de", "zh", "en"})
	want := []Language{{"de", []string{"both", "de", "de file"}}, {"zh", []string{"both", "zh_CN", "zh_CN file"}}, {"en", []string{"%d day", "%d days", "File"}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatal(got, err)
	}
	got[0].Thin(2)
	if len(got[0].Texts) != 2 {
		t.Error(got[0])
	}
}
