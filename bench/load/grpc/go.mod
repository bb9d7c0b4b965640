module nuncio/bench/load/grpc

go 1.25
