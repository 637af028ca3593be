-- +goose Up
CREATE TABLE drill (n INTEGER);
