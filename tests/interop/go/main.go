// Interop opens what this project signs and exports with golang.org/x/mod/sumdb, an independent implementation.
//
// It reads one JSON document, whose path is the only argument, and prints one line a check; the status is 1 if any fails.
//
// An exported tree is checked as a client of the Go checksum database would: the note is opened, every tile is read
// through a hash reader that authenticates it against the signed root, every entry is proven, and so is the growth from
// sizes before. The files of tlog-tiles are those of sumdb/tlog without the height in their path.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
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

const height = 8

// A document says what to check. Hashes are hex, as in the vectors.
type document struct {
	Trees       []exported
	Inclusion   []inclusion
	Consistency []consistency
	Receipts    []receipt
}

type exported struct {
	Name, Dir, Key string
	Older          []string // notes of checkpoints that the tree must begin with
}

type inclusion struct {
	Index, Size int64
	Leaf, Root  string
	Path        []string
}

type consistency struct {
	Old, New         int64
	OldRoot, NewRoot string
	Path             []string
}

// A receipt is a tlog-proof of the entry with the leaf hash.
type receipt struct{ Text, Leaf, Key string }

func hash(text string) (h tlog.Hash, err error) {
	data, err := hex.DecodeString(text)
	if err == nil && len(data) != len(h) {
		err = errors.New("a hash has 32 bytes")
	}
	copy(h[:], data)
	return h, err
}

func hashes(texts []string) ([]tlog.Hash, error) {
	found := make([]tlog.Hash, 0, len(texts))
	for _, text := range texts {
		h, err := hash(text)
		if err != nil {
			return nil, err
		}
		found = append(found, h)
	}
	return found, nil
}

// open returns the tree head of a checkpoint that the key has signed.
func open(text, key string) (tlog.Tree, error) {
	var head tlog.Tree
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return head, err
	}
	opened, err := note.Open([]byte(text), note.VerifierList(verifier))
	if err != nil {
		return head, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		return head, fmt.Errorf("not the checkpoint of %s", verifier.Name())
	}
	if head.N, err = strconv.ParseInt(lines[1], 10, 64); err != nil {
		return head, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return head, errors.New("not a root")
	}
	copy(head.Hash[:], root)
	return head, nil
}

// A directory serves tiles from files.
type directory string

func (dir directory) Height() int { return height }

func (dir directory) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, 0, len(tiles))
	for _, tile := range tiles {
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/", height), "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), path))
		if err != nil {
			return nil, err
		}
		found = append(found, data)
	}
	return found, nil
}

func (dir directory) SaveTiles([]tlog.Tile, [][]byte) {}

// entries are those of the bundles, in order.
func (dir directory) entries(size int64) ([][]byte, error) {
	var found [][]byte
	for index := int64(0); index*(1<<height) < size; index++ {
		width := min(size-index*(1<<height), 1<<height)
		tile := tlog.Tile{H: height, L: -1, N: index, W: int(width)}
		path := strings.Replace(tile.Path(), fmt.Sprintf("tile/%d/data/", height), "tile/entries/", 1)
		data, err := os.ReadFile(filepath.Join(string(dir), path))
		if err != nil {
			return nil, err
		}
		for len(data) > 0 {
			length := 2 + int(binary.BigEndian.Uint16(data))
			if length > len(data) {
				return nil, fmt.Errorf("%s ends inside an entry", path)
			}
			found, data = append(found, data[2:length]), data[length:]
		}
	}
	if int64(len(found)) != size {
		return nil, fmt.Errorf("%d entries instead of %d", len(found), size)
	}
	return found, nil
}

func (tree exported) check() error {
	text, err := os.ReadFile(filepath.Join(tree.Dir, "checkpoint"))
	if err != nil {
		return err
	}
	head, err := open(string(text), tree.Key)
	if err != nil {
		return err
	}
	dir := directory(tree.Dir)
	reader := tlog.TileHashReader(head, dir)
	if root, err := tlog.TreeHash(head.N, reader); err != nil || root != head.Hash {
		return fmt.Errorf("the tiles do not add up to the root: %v", err)
	}
	entries, err := dir.entries(head.N)
	if err != nil {
		return err
	}
	for index, entry := range entries {
		proof, err := tlog.ProveRecord(head.N, int64(index), reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckRecord(proof, head.N, head.Hash, int64(index), tlog.RecordHash(entry)); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return tree.growth(head, reader)
}

// growth checks the way to the tree from the older checkpoints and from each power of two and its neighbours.
func (tree exported) growth(head tlog.Tree, reader tlog.HashReader) error {
	olds := map[int64]tlog.Hash{}
	for power := int64(1); power < head.N; power *= 2 {
		for size := max(1, power-1); size <= min(head.N, power+1); size++ {
			root, err := tlog.TreeHash(size, reader)
			if err != nil {
				return err
			}
			olds[size] = root
		}
	}
	for _, text := range tree.Older {
		old, err := open(text, tree.Key)
		if err != nil {
			return err
		}
		olds[old.N] = old.Hash
	}
	for size, root := range olds {
		proof, err := tlog.ProveTree(head.N, size, reader)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, head.N, head.Hash, size, root); err != nil {
			return fmt.Errorf("from %d: %w", size, err)
		}
	}
	return nil
}

func (claim inclusion) check() error {
	path, err := hashes(claim.Path)
	if err != nil {
		return err
	}
	leaf, err := hash(claim.Leaf)
	if err != nil {
		return err
	}
	root, err := hash(claim.Root)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, claim.Size, root, claim.Index, leaf); err != nil {
		return err
	}
	if tlog.CheckRecord(append(path, root), claim.Size, root, claim.Index, leaf) == nil {
		return errors.New("a path that is too long was accepted")
	}
	return nil
}

func (claim consistency) check() error {
	path, err := hashes(claim.Path)
	if err != nil {
		return err
	}
	older, err := hash(claim.OldRoot)
	if err != nil {
		return err
	}
	newer, err := hash(claim.NewRoot)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, claim.New, newer, claim.Old, older)
}

func (claim receipt) check() error {
	lines, checkpoint, found := strings.Cut(claim.Text, "\n\n")
	parts := strings.Split(lines, "\n")
	if !found || len(parts) < 2 || parts[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("not a tlog-proof")
	}
	head, err := open(checkpoint, claim.Key)
	if err != nil {
		return err
	}
	index, err := strconv.ParseInt(strings.TrimPrefix(parts[1], "index "), 10, 64)
	if err != nil {
		return err
	}
	path := tlog.RecordProof{}
	for _, text := range parts[2:] {
		h, err := tlog.ParseHash(text)
		if err != nil {
			return err
		}
		path = append(path, h)
	}
	leaf, err := hash(claim.Leaf)
	if err != nil {
		return err
	}
	return tlog.CheckRecord(path, head.N, head.Hash, index, leaf)
}

// all reports how many of the claims fail, and the first error.
func all[C interface{ check() error }](what string, claims []C) int {
	failed := 0
	for number, claim := range claims {
		if err := claim.check(); err != nil {
			failed++
			fmt.Printf("FAILED: %s %d: %v\n", what, number, err)
		}
	}
	fmt.Printf("%s: %d of %d hold\n", what, len(claims)-failed, len(claims))
	return failed
}

func main() {
	var asked document
	data, err := os.ReadFile(os.Args[1])
	if err == nil {
		err = json.Unmarshal(data, &asked)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	failed := all("exported trees, every entry, tile and growth", asked.Trees)
	failed += all("inclusion proofs", asked.Inclusion)
	failed += all("consistency proofs", asked.Consistency)
	failed += all("receipts", asked.Receipts)
	if failed > 0 {
		os.Exit(1)
	}
}
