// Command gen-api writes the closed set of proto descriptors that nuncio needs (Envoy's v3 API with contrib and
// everything it imports) as one deterministic google.protobuf.FileDescriptorSet.
//
// Usage: gen-api OUTPUT       the slim set that nuncio ships
//
//	gen-api -full OUTPUT the same with every json_name and file option, for code generators
package main

import (
	"fmt"
	"os"
	"sort"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "google.golang.org/protobuf/types/gofeaturespb"
	_ "google.golang.org/protobuf/types/known/anypb"
	_ "google.golang.org/protobuf/types/known/durationpb"
	_ "google.golang.org/protobuf/types/known/emptypb"
	_ "google.golang.org/protobuf/types/known/fieldmaskpb"
	_ "google.golang.org/protobuf/types/known/structpb"
	_ "google.golang.org/protobuf/types/known/timestamppb"
	_ "google.golang.org/protobuf/types/known/wrapperspb"
)

// wanted tells whether a registered file is a root of the set. Its imports follow by themselves.
func wanted(path string) bool {
	switch {
	case strings.HasPrefix(path, "envoy/"), strings.HasPrefix(path, "contrib/envoy/"):
		return strings.Contains(path, "/v3/") || strings.Contains(path, "/v3alpha/") || strings.Contains(path, "/annotations/")
	case path == "google/protobuf/go_features.proto", strings.Contains(path, "/v2/"):
		return false
	}
	return true
}

// defaultJSONName is protoc's rule for json_name; a field that has just this name need not store it.
func defaultJSONName(name string) string {
	var b strings.Builder
	up := false
	for _, c := range name {
		if c == '_' {
			up = true
			continue
		}
		if up && c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		up = false
		b.WriteRune(c)
	}
	return b.String()
}

func slimField(f *descriptorpb.FieldDescriptorProto) {
	if f.GetJsonName() == defaultJSONName(f.GetName()) {
		f.JsonName = nil
	}
}

func slimMessage(m *descriptorpb.DescriptorProto) {
	for _, f := range m.GetField() {
		slimField(f)
	}
	for _, f := range m.GetExtension() {
		slimField(f)
	}
	for _, n := range m.GetNestedType() {
		slimMessage(n)
	}
}

// slim drops what no reader of the blob uses: other languages' file options and default JSON names.
func slim(f *descriptorpb.FileDescriptorProto) {
	f.SourceCodeInfo = nil
	if o := f.GetOptions(); o != nil {
		o.GoPackage, o.JavaPackage, o.JavaOuterClassname, o.JavaMultipleFiles = nil, nil, nil, nil
		o.CsharpNamespace, o.PhpNamespace, o.PhpMetadataNamespace, o.RubyPackage = nil, nil, nil, nil
		o.ObjcClassPrefix, o.SwiftPrefix, o.PhpClassPrefix, o.CcEnableArenas = nil, nil, nil, nil
		o.JavaStringCheckUtf8, o.OptimizeFor = nil, nil
	}
	for _, m := range f.GetMessageType() {
		slimMessage(m)
	}
	for _, x := range f.GetExtension() {
		slimField(x)
	}
}

// set collects files depth first, so that every file comes after its imports.
func set(full bool) *descriptorpb.FileDescriptorSet {
	var roots []string
	protoregistry.GlobalFiles.RangeFiles(func(f protoreflect.FileDescriptor) bool {
		if wanted(f.Path()) {
			roots = append(roots, f.Path())
		}
		return true
	})
	sort.Strings(roots)
	out := &descriptorpb.FileDescriptorSet{}
	seen := map[string]bool{}
	var add func(path string)
	add = func(path string) {
		if seen[path] {
			return
		}
		seen[path] = true
		f, err := protoregistry.GlobalFiles.FindFileByPath(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "gen-api: import %s is not linked in: %v\n", path, err)
			os.Exit(1)
		}
		imports := f.Imports()
		for i := 0; i < imports.Len(); i++ {
			add(imports.Get(i).Path())
		}
		p := protodesc.ToFileDescriptorProto(f)
		if !full {
			slim(p)
		}
		out.File = append(out.File, p)
	}
	for _, r := range roots {
		add(r)
	}
	return out
}

func main() {
	args := os.Args[1:]
	full := len(args) == 2 && args[0] == "-full"
	if full {
		args = args[1:]
	}
	if len(args) != 1 {
		fmt.Fprintln(os.Stderr, "usage: gen-api [-full] OUTPUT")
		os.Exit(2)
	}
	s := set(full)
	b, err := proto.MarshalOptions{Deterministic: true}.Marshal(s)
	if err == nil {
		err = os.WriteFile(args[0], b, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen-api:", err)
		os.Exit(1)
	}
	fmt.Printf("%s: %d files, %d bytes\n", args[0], len(s.File), len(b))
}
