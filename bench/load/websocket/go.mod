module nuncio/bench/load/websocket

go 1.26
