package main

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// segments gives the first offsets of a partition's files of records, in order,
// and their sizes in bytes.
func segments(folder string) (bases, sizes []int64, err error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, nil, err
	}
	for _, f := range files {
		name, isLog := strings.CutSuffix(f.Name(), ".dat")
		if base, err := strconv.ParseInt(name, 10, 64); isLog && err == nil {
			bases = append(bases, base)
		}
	}
	slices.Sort(bases)
	for _, base := range bases {
		stat, err := os.Stat(filepath.Join(folder, strconv.FormatInt(base, 10)+".dat"))
		if err != nil {
			return nil, nil, err
		}
		sizes = append(sizes, stat.Size())
	}
	return bases, sizes, nil
}

// cut shortens a file, on the disk.
func cut(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Sync(), f.Close())
}

// cutLast splits text at the last separator.
func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
