// Opens a log's folder with golang.org/x/mod/sumdb, the checksum database's own code, and checks proofs that
// standard input names. Prints one line of JSON; a log that does not hold together is an "error" in it.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type inclusion struct {
	Index  int64       `json:"index"`
	Hashes []tlog.Hash `json:"hashes"`
}

type consistency struct {
	Old    int64       `json:"old"`
	Root   tlog.Hash   `json:"root"`
	Hashes []tlog.Hash `json:"hashes"`
}

type asked struct {
	Inclusion   []inclusion   `json:"inclusion"`
	Consistency []consistency `json:"consistency"`
}

type told struct {
	Error       string   `json:"error"`
	Origin      string   `json:"origin"`
	Size        int64    `json:"size"`
	Root        string   `json:"root"`
	Signers     []string `json:"signers"`
	Entries     int64    `json:"entries"`
	Inclusion   []bool   `json:"inclusion"`
	Consistency []bool   `json:"consistency"`
}

type folder string

func (f folder) Height() int                     { return 8 }
func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range tiles {
		// The checksum database writes the tiles' height into their paths; tlog-tiles has one height only.
		path := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return nil, err
		}
		if len(data) != tile.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path, len(data))
		}
		found = append(found, data)
	}
	return found, nil
}

func (f folder) open(vkey string) (tree tlog.Tree, out told, err error) {
	data, err := os.ReadFile(filepath.Join(string(f), "checkpoint"))
	if err != nil {
		return
	}
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return
	}
	opened, err := note.Open(data, note.VerifierList(verifier))
	if err != nil {
		return
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 4 {
		return tree, out, errors.New("no checkpoint")
	}
	if tree.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return
	}
	if tree.Hash, err = tlog.ParseHash(lines[2]); err != nil {
		return
	}
	out.Origin, out.Size, out.Root = lines[0], tree.N, base64.StdEncoding.EncodeToString(tree.Hash[:])
	for _, sig := range opened.Sigs {
		out.Signers = append(out.Signers, sig.Name)
	}
	return
}

// entries holds every bundle against the leaf hashes that the tiles, held against the signed root, state.
func (f folder) entries(tree tlog.Tree, reader tlog.HashReader) (count int64, err error) {
	for at := int64(0); at < tree.N; at += 256 {
		width := tree.N - at
		if width > 256 {
			width = 256
		}
		tile := tlog.Tile{H: 8, L: -1, N: at / 256, W: int(width)}
		path := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), path))
		if err != nil {
			return count, err
		}
		var indexes []int64
		for i := int64(0); i < width; i++ {
			indexes = append(indexes, tlog.StoredHashIndex(0, at+i))
		}
		hashes, err := reader.ReadHashes(indexes)
		if err != nil {
			return count, err
		}
		rest := bytes.NewReader(data)
		for i := int64(0); i < width; i++ {
			var length uint16
			if err := binary.Read(rest, binary.BigEndian, &length); err != nil {
				return count, err
			}
			entry := make([]byte, length)
			if n, _ := rest.Read(entry); n != int(length) {
				return count, fmt.Errorf("%s is too short", path)
			}
			if tlog.RecordHash(entry) != hashes[i] {
				return count, fmt.Errorf("entry %d is not what the tree has", at+i)
			}
			count++
		}
		if rest.Len() != 0 {
			return count, fmt.Errorf("%s is too long", path)
		}
	}
	return count, nil
}

func main() {
	log := folder(os.Args[1])
	tree, out, err := log.open(os.Args[2])
	var questions asked
	if err == nil {
		err = json.NewDecoder(os.Stdin).Decode(&questions)
	}
	if err == nil {
		reader := tlog.TileHashReader(tree, log)
		out.Entries, err = log.entries(tree, reader)
		for _, each := range questions.Inclusion {
			leaf, failed := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, each.Index)})
			fits := failed == nil && tlog.CheckRecord(each.Hashes, tree.N, tree.Hash, each.Index, leaf[0]) == nil
			out.Inclusion = append(out.Inclusion, fits)
		}
		for _, each := range questions.Consistency {
			fits := tlog.CheckTree(each.Hashes, tree.N, tree.Hash, each.Old, each.Root) == nil
			out.Consistency = append(out.Consistency, fits)
		}
	}
	if err != nil {
		out.Error = err.Error()
	}
	json.NewEncoder(os.Stdout).Encode(out)
}
